"""Pictures of the site's pages, for the README and for whoever changed a page. See __main__.py."""
