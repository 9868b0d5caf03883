//! Endpoint sensors: the wire format, the decoder and the embedded objects.
