from chatsite.sharing.models.shared_link import SharedLink

__all__ = ["SharedLink"]
