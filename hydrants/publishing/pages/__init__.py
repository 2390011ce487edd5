"""The pages: Dutch HTML, maps that also open from disk, and the data behind both."""

from hydrants.publishing.pages import gemeente, hydrant, overview, zone
from hydrants.publishing.pages.assets import copy_assets
from hydrants.publishing.pages.overview import overview_html

__all__ = ["copy_assets", "gemeente", "hydrant", "overview", "overview_html", "zone"]
