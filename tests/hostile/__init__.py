"""Hostile and slow clients by the thousand, before a real gateway: what is left of it, and of its honest clients?"""
