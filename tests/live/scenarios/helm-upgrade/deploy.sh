# step: Upgrade
helm upgrade web chart -n shop --set image=registry.example/web:1.5.0
# step: The same again
helm upgrade web chart -n shop --set image=registry.example/web:1.5.0
# step: More replicas
helm upgrade web chart -n shop --set image=registry.example/web:1.5.0 --set replicas=4
