"""The gateway's own HTTP: registration, what it knows, whether it is well (Klein; control plane).

``routes`` has the paths, ``access`` who may call them, ``body`` what a caller may say (a registration:
``registry/registration``), ``views`` and ``problems`` what is answered.
"""
