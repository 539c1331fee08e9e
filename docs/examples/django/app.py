"""A Django application behind the gateway: one import and one line, in a project's ``wsgi.py`` or ``asgi.py``.

    pip install openprequal django gunicorn
    twistd -n openprequal &
    BACKEND_PORT=8001 gunicorn --chdir docs/examples/django --bind 127.0.0.1:8001 --workers 2 app:application

A project has its settings and its views in files of their own; here all is in one, so that it can be read at once.
"""

import os
import time

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from openprequal.agent.wsgi import OpenPrequal

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["localhost", "127.0.0.1"], SECRET_KEY="for the example alone")


def hello(request: HttpRequest) -> JsonResponse:
    """Takes a while, like a database does."""
    time.sleep(0.02)
    return JsonResponse({"process": os.getpid(), "django": django.__version__})


urlpatterns = [path("", hello)]

application = OpenPrequal(get_wsgi_application())
