//! Before and after become a list of changes that hides no line of a pod template.
