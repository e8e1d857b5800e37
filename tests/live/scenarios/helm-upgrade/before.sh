helm install web chart -n shop --create-namespace
helm template web chart -n shop --set image=registry.example/web:1.5.0 > next.yaml
helm template web chart -n shop --set image=registry.example/web:1.5.0 --set replicas=4 > more.yaml
