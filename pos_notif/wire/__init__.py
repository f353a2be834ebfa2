"""Pure encoders and decoders of what travels: no request, no clock, no loop."""
