from django.urls import path

from chatsite.sharing import views

app_name = "sharing"

urlpatterns = [
    path("c/<uuid:conversation_id>/share/", views.share, name="share"),
    path("shared/", views.links, name="links"),
    path("shared/<uuid:link_id>/revoke/", views.revoke, name="revoke"),
    path("s/<str:token>/", views.shared, name="shared"),
    path("s/<str:token>/copy/", views.copy, name="copy"),
    path("try/<str:trial>/", views.trial, name="trial"),
    path("try/<str:trial>/embed/", views.trial, {"embedded": True}, name="embed"),
]
