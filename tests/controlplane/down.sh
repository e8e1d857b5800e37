#!/bin/bash
# Stops what up.sh started. usage: down.sh DIR
for name in kubelet manager apiserver etcd; do [ -f "$1/$name.pid" ] && kill -9 "$(cat "$1/$name.pid")" 2>/dev/null; done; rm -f "$1"/*.pid; rm -rf "$1/etcd"; exit 0
