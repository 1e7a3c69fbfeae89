"""What is a member of each tier worth, and by which factor do tiers differ?"""
