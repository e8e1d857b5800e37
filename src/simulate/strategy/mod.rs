//! What the registry does to an object before it is stored: status reset, generation, allocated values, kind by kind.
