from django.urls import path

from chatsite.branding import views

app_name = "branding"

urlpatterns = [
    path("site/styles.css", views.styles, name="styles"),
    path("site/logo", views.logo, name="logo"),
    path("site/dismiss/", views.dismiss, name="dismiss"),
    path("terms/", views.terms, name="terms"),
]
