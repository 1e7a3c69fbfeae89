"""Do a few inviters bring nearly all new members, and do their friends stay?"""
