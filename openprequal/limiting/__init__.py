"""How much may one client ask for, and who is one client?"""
