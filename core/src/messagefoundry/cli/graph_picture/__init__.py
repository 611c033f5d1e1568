"""A graph as a picture: one SVG file that needs nothing else, for screens light and dark.

boxes     what is shown of a graph
order     which box stands above which, so that links cross little
untangle  the same, by changing the places of neighbours
places    coordinates
letters   how wide text is
svg       the file
"""

from messagefoundry.cli.graph_picture.svg import picture

__all__ = ["picture"]
