from chatsite.sharing.views.owners import links, revoke, share
from chatsite.sharing.views.readers import copy, shared
from chatsite.sharing.views.visitors import trial

__all__ = ["copy", "links", "revoke", "share", "shared", "trial"]
