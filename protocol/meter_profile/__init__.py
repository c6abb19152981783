"""The format of meter profiles: values, the reading and checking of a text, what is asked of such a meter, in words.

Box and centre judge the same text with the same code. Nothing here touches a line, a file or a library.
"""
