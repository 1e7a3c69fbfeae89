"""Which reward makes trees grow, drawn by lot for seeds and inherited by whoever comes of them?"""
