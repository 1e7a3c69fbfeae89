"""Do friends take the reward and leave, and what does a friend who stays cost?"""
