"""A live stream or a recording becomes Frames on the stream's own clock; reconnects and drops happen here.

Nobody looks at a picture's content in here.
"""
