"""How well dissimilarity tracks differences in functionality, and how sure that is."""
