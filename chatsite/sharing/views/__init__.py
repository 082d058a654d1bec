from chatsite.sharing.views.owners import links, revoke, share
from chatsite.sharing.views.readers import copy, shared

__all__ = ["copy", "links", "revoke", "share", "shared"]
