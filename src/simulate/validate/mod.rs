//! What the API server refuses, kind by kind, in its order and with its texts.
