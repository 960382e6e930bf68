from django.urls import path

from meshline.web import views

app_name = "web"
urlpatterns = [path("banner/", views.banner, name="banner")]
