"""The site as an app on phones and desktops: its manifest, and a page for those who are offline.

Nothing of anybody's is kept on the device: the service worker holds one page that says the network is away.
"""
