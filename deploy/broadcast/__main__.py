"""`python -m deploy.broadcast FILE`."""

from deploy.broadcast.station import main

main()
