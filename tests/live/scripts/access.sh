# step: an account, and what it may do
kubectl create namespace access
kubectl -n access create serviceaccount deployer
kubectl -n access create role deployer --verb=get,list,patch --resource=deployments.apps
kubectl -n access create rolebinding deployer --role=deployer --serviceaccount=access:deployer
kubectl -n access create deployment web --image=nginx:1.25
kubectl -n access rollout status deployment/web --timeout=60s | tail -n 1
# step: it is asked about
who=system:serviceaccount:access:deployer
kubectl auth can-i patch deployments.apps -n access --as=$who
kubectl auth can-i delete deployments.apps -n access --as=$who || echo "code $?"
kubectl auth can-i patch deployments.apps/scale -n access --as=$who || echo "code $?"
kubectl auth can-i patch deployments.apps -n default --as=$who || echo "code $?"
kubectl auth can-i get /healthz --as=$who
kubectl auth can-i '*' '*'
kubectl auth can-i create pods --as=jane --as-group=system:masters
kubectl auth whoami --as=$who -o jsonpath='{.status.userInfo.groups}{"\n"}'
# step: it deploys
kubectl -n access set image deployment/web nginx=nginx:1.26 --as=system:serviceaccount:access:deployer
kubectl -n access rollout status deployment/web --timeout=60s | tail -n 1
# step: it may not delete
# refused: forbidden
kubectl -n access delete deployment web --as=system:serviceaccount:access:deployer
# step: nor scale
# refused: forbidden
kubectl -n access scale deployment web --replicas=2 --as=system:serviceaccount:access:deployer
# step: its role is gone
kubectl -n access delete role deployer
kubectl auth can-i patch deployments.apps -n access --as=system:serviceaccount:access:deployer || echo "code $?"
