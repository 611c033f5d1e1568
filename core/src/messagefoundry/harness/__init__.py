"""Measuring tools and synthetic traffic, over sockets and the HTTP API only.

========== =====================================================================================
load       MLLP load generator, a process of its own
sink       MLLP sink that counts and reconciles, a process of its own
floor      the least program with the engine's durability: the yardstick
bench      engine and floor in alternation, the engine under other loads and on a server, with a verdict
conduct    a load profile, offered to an engine of its own or a running one, and reconciled
drive      generator and sink of a load profile in one process
seed       a store with a long history
feed       synthetic ADT and ORU messages
partner    a plain blocking MLLP sender for demonstrations
acts       how a partner with faults answers: `scripted_partner` receives and does as a script says
========== =====================================================================================

Nothing here imports any other part of the product, so a measurement cannot share a fault with what it measures.
"""
