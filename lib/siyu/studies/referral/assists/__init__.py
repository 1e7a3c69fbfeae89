"""Do game assists use up their lives, bring new members, and make players more active?"""
