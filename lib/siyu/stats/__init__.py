"""Functions of counts, each with its assumption and source; they know nothing of the studies."""
