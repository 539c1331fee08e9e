"""The gateway's own HTTP: registration, what it knows, whether it is well (Klein; control plane).

``routes`` has the paths, ``access`` who may call them, ``body`` and ``registration`` what a caller may say,
``backend_url`` what address a backend's URL means, ``views`` and ``problems`` what is answered.
"""
