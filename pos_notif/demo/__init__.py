"""`pos-notif demo`: the real service with a simulated restaurant, which knows it only by its public HTTP API.

`guests.py` and `staff.py` decide what happens next and are pure: the board, the time and the chance are passed in.
`restaurant.py` looks at the board, asks them, and sends what they do as each person's own request. Times are in
simulated seconds, which `--pace` speeds up.
"""
