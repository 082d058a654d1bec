from django.urls import path

from conversations import views

app_name = "conversations"

urlpatterns = [
    path("", views.home, name="home"),
    path("send/", views.start, name="start"),
    path("models/", views.catalogue, name="models"),
    path("models/choices/", views.choices, name="model_choices"),
    path("search/", views.search, name="search"),
    path("search/panel/", views.search_panel, name="search_panel"),
    path("c/", views.history, name="history"),
    path("c/<uuid:conversation_id>/", views.show, name="show"),
    path("c/<uuid:conversation_id>/memory/", views.memory, name="memory"),
    path("c/<uuid:conversation_id>/send/", views.send, name="send"),
    path("c/<uuid:conversation_id>/retry/", views.retry, name="retry"),
    path("c/<uuid:conversation_id>/again/", views.again, name="again"),
    path("c/<uuid:conversation_id>/edit/", views.edit, name="edit"),
    path("c/<uuid:conversation_id>/undo/", views.take_back, name="take_back"),
    path("c/<uuid:conversation_id>/clear/", views.clear, name="clear"),
    path("c/<uuid:conversation_id>/rate/", views.rate, name="rate"),
    path("c/<uuid:conversation_id>/feedback/", views.explain, name="explain"),
    path("c/<uuid:conversation_id>/continue/", views.go_on, name="continue"),
    path("c/<uuid:conversation_id>/select/", views.select, name="select"),
    path("c/<uuid:conversation_id>/keep/", views.keep, name="keep"),
    path("c/<uuid:conversation_id>/rename/", views.rename, name="rename"),
    path("c/<uuid:conversation_id>/delete/", views.delete, name="delete"),
    path("c/<uuid:conversation_id>/settings/", views.settings, name="settings"),
    path("c/<uuid:conversation_id>/persona/", views.use_persona, name="use_persona"),
    path("settings/", views.defaults, name="defaults"),
    path("settings/new-chat/", views.new_settings, name="new_settings"),
    path("personas/", views.personas, name="personas"),
    path("personas/new/", views.create_persona, name="create_persona"),
    path("personas/<int:persona_id>/", views.edit_persona, name="edit_persona"),
    path("personas/<int:persona_id>/delete/", views.delete_persona, name="delete_persona"),
    path("g/<uuid:generation_id>/events/", views.follow, name="follow"),
    path("g/<uuid:generation_id>/stop/", views.stop, name="stop"),
    path("g/<uuid:generation_id>/stop-all/", views.stop_all, name="stop_all"),
]
