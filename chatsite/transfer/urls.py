from django.urls import path

from chatsite.transfer import views

app_name = "transfer"

urlpatterns = [
    path("c/<uuid:conversation_id>/export/", views.chat, name="chat"),
    path("c/<uuid:conversation_id>/export/print/", views.print_page, name="print"),
    path("c/<uuid:conversation_id>/export/chat.<slug:form>", views.download, name="download"),
    path("transfer/", views.home, name="home"),
    path("transfer/all.zip", views.everything, name="everything"),
    path("transfer/import/<str:ticket>/", views.upload, name="upload"),  # see tickets.py
    path("transfer/<uuid:job_id>/", views.job, name="job"),
    path("transfer/<uuid:job_id>/start/", views.start, name="start"),
    path("transfer/<uuid:job_id>/stop/", views.stop, name="stop"),
    path("transfer/<uuid:job_id>/undo/", views.undo, name="undo"),
    path("transfer/<uuid:job_id>/discard/", views.discard, name="discard"),
]
