import random,json
R=random.Random(6)
for t in range(2000):
    n=R.randint(5,60); names=[f"N{i:02}" for i in range(n-1)]; 
    if t%2: R.shuffle(names)
    env=[{"name":x,"value":"1"} for x in names]; d=R.choice(names); env.insert(R.randint(0,n-1),{"name":d,"value":"2"})
    k=R.choice("12"); new=[e for e in env if e['name']!=d or e['value']==k]
    o=lambda e:{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"template":{"spec":{"containers":[{"name":"a","env":e}]}}}}
    first=[e for e in env if e['name']==d][0]['value']
    print(json.dumps({"fn":"two","kind":"Deployment","n":n,"k":k,"first":first,"original":o(env),"modified":o(new)}))
