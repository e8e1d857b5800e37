//! What clients send: the requests of kubectl's commands and of other appliers, step by step.
