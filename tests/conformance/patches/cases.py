import random, json, sys, copy
R=random.Random(int(sys.argv[1])); N=int(sys.argv[2])
ch=R.choice
def some(xs,lo=0,hi=None):
    hi=len(xs) if hi is None else hi
    k=R.randint(lo,min(hi,len(xs))); return R.sample(xs,k)
def env(n): 
    return ch([{"name":n,"value":ch("xyz")},{"name":n},{"name":n,"valueFrom":{"fieldRef":{"fieldPath":ch(["a","b"])}}},{"name":n,"value":"","x":None} if 0 else {"name":n,"value":""}])
def port(): 
    p={"containerPort":ch([53,80,8080,9])}
    if R.random()<.6:p["protocol"]=ch(["TCP","UDP"])
    if R.random()<.6:p["name"]=ch("abc")
    return p
def container(n):
    c={"name":n}
    if R.random()<.8:c["image"]=ch(["i:1","i:2"])
    if R.random()<.6:c["env"]=[env(x) for x in some(list("ABCDE"))]
    if R.random()<.1 and c.get("env"): c["env"].append(env(c["env"][0]["name"]))
    if R.random()<.5:c["ports"]=[port() for _ in range(R.randint(0,4))]
    if R.random()<.4:c["args"]=some(["a","b","c"])
    if R.random()<.4:c["resources"]=ch([{}, {"limits":{"cpu":ch(["1","2",1])}}, {"limits":{"cpu":"1"},"requests":{"memory":"1Gi"}}])
    if R.random()<.4:c["volumeMounts"]=[{"name":ch("vw"),"mountPath":m} for m in some(["/a","/b","/c"])]
    if R.random()<.2:c["envFrom"]=[{"configMapRef":{"name":"c"}}]
    if R.random()<.2:c["stdin"]=ch([True,False,None])
    if R.random()<.3:c["livenessProbe"]=ch([{"httpGet":{"path":"/","port":80}},{"exec":{"command":["x"]},"periodSeconds":ch([1,2])},None])
    return c
def volume(n):
    return {"name":n,**ch([{"emptyDir":{}},{"configMap":{"name":"c"}},{"configMap":{"name":"c","defaultMode":420}},{"secret":{"secretName":"s"}},{"persistentVolumeClaim":{"claimName":"p"}}])}
def obj():
    o={"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{}}
    m,s=o["metadata"],o["spec"]
    if R.random()<.6:m["labels"]={k:ch("xy") for k in some(list("abc"))}
    if R.random()<.4:m["annotations"]=ch([None,{},{"a":"b"},{"a":None},{"c":"d"}])
    if R.random()<.5:m["finalizers"]=some(list("abcd"))
    if R.random()<.2:m["ownerReferences"]=[{"uid":u,"name":ch("xy")} for u in some(list("uvw"))]
    if R.random()<.6:s["replicas"]=R.randint(0,3)
    if R.random()<.6:s["strategy"]=ch([{"type":"Recreate"},{"type":"RollingUpdate"},{"type":"RollingUpdate","rollingUpdate":{"maxSurge":ch([1,"25%"]),"maxUnavailable":0}},{"rollingUpdate":None,"type":"Recreate"}])
    if R.random()<.2:s["paused"]=ch([True,False,None])
    t=s["template"]={"metadata":{"labels":{"app":"d"}},"spec":{}}
    p=t["spec"]
    p["containers"]=[container(n) for n in some(["a","b","c"],0)]
    if R.random()<.3:p["initContainers"]=[container(n) for n in some(["i","j"])]
    if R.random()<.6:p["volumes"]=[volume(n) for n in some(list("vwxy"))]
    if R.random()<.3:p["tolerations"]=[{"key":k} for k in some(list("kl"))]
    if R.random()<.3:p["topologySpreadConstraints"]=[{"topologyKey":ch("hz"),"maxSkew":R.randint(1,3),"whenUnsatisfiable":ch("DS")} for _ in range(R.randint(0,3))]
    if R.random()<.3:p["hostAliases"]=[{"ip":i,"hostnames":some(list("mn"))} for i in some(["1","2"])]
    if R.random()<.3:p["imagePullSecrets"]=[{"name":n} for n in some(list("rs"))]
    if R.random()<.3:p["nodeSelector"]={k:"1" for k in some(list("op"))}
    if R.random()<.3:p["securityContext"]=ch([{}, {"runAsUser":1}, {"sysctls":[{"name":"a","value":"1"}]}, {"supplementalGroups":[1,2]}])
    if R.random()<.1:p["containers"]=ch([None,[],p["containers"]])
    return o
def mutate(o):
    o=copy.deepcopy(o); other=obj()
    def walk(a,b,d):
        for k in list(a.keys()):
            r=R.random()
            if r<.12 and d>0: del a[k]
            elif r<.25 and k in b: a[k]=b[k]
            elif isinstance(a[k],dict) and isinstance(b.get(k),dict): walk(a[k],b[k],d+1)
            elif isinstance(a[k],list):
                if R.random()<.2:R.shuffle(a[k])
                if a[k] and R.random()<.2:a[k].pop(R.randrange(len(a[k])))
                for x in a[k]:
                    if isinstance(x,dict):
                        for y in (b.get(k) or []):
                            if isinstance(y,dict) and R.random()<.5: walk(x,y,d+1)
                if isinstance(b.get(k),list) and b[k] and R.random()<.2:a[k].insert(R.randint(0,len(a[k])),ch(b[k]))
        for k in b:
            if k not in a and R.random()<.3:a[k]=b[k]
    walk(o,other,0); return copy.deepcopy(o)
KEY={"containers":"name","initContainers":"name","env":"name","ports":"containerPort","volumes":"name","volumeMounts":"mountPath","topologySpreadConstraints":"topologyKey","hostAliases":"ip","imagePullSecrets":"name","ownerReferences":"uid"}
def patchify(p):
    if isinstance(p,dict):
        for k in list(p):
            patchify(p[k])
            r=R.random()
            if r<.03:p[k]=None
            if k in KEY and isinstance(p[k],list):
                L=p[k]
                if R.random()<.25: 
                    o=[{KEY[k]:x[KEY[k]]} for x in L if isinstance(x,dict) and KEY[k] in x and '$patch' not in x]
                    if R.random()<.3:R.shuffle(o)
                    if R.random()<.4 and o:o.insert(0,dict(o[0]))if 0 else o.append({KEY[k]:ch(["a","b","A","B",53,"v","/a"])})
                    p["$setElementOrder/"+k]=o
                    if R.random()<.2 and not L:del p[k]
                if R.random()<.25: L.insert(R.randint(0,len(L)),{KEY[k]:ch(["a","b","A","B",53,80,"v","w","/a"]),"$patch":"delete"})
                if R.random()<.06: L.append({"$patch":ch(["replace","replace","merge","bogus"])})
                if R.random()<.03 and L: L[0].pop(KEY[k],None) if isinstance(L[0],dict) else 0
            if k=="finalizers" and k in p:
                if R.random()<.4:p["$deleteFromPrimitiveList/finalizers"]=[f for f in "abcd" if f not in (p[k] or []) and R.random()<.5]
                if R.random()<.4:p["$setElementOrder/finalizers"]=(p[k] or [])+some(list("ad"),0,1)
            if k in p and k in("strategy","volumes") and R.random()<.4:
                for x in ([p[k]] if k=="strategy" else (p[k] or [])):
                    if isinstance(x,dict): x["$retainKeys"]=[y for y in x if not y.startswith("$") and R.random()<.95]+some(["type"],0,1)
            if k in p and R.random()<.03 and isinstance(p[k],dict):p[k]["$patch"]=ch(["replace","delete","replace","delete","bogus",3])
    elif isinstance(p,list):
        for x in p:patchify(x)
def prune(p,d=0):
    for k in list(p):
        if d>0 and R.random()<.4 and k not in KEY.values(): del p[k]
        elif isinstance(p[k],dict):prune(p[k],d+1)
        elif isinstance(p[k],list):
            p[k]=[x for x in p[k] if R.random()<.7]
            for x in p[k]:
                if isinstance(x,dict):prune(x,d+1)
def pointer(o):
    path="";v=o
    while isinstance(v,(dict,list)) and v and R.random()<.8:
        if isinstance(v,dict): k=ch(list(v));path+="/"+k.replace("~","~0").replace("/","~1");v=v[k]
        else: i=R.randrange(len(v));path+="/"+str(ch([i,i,i,i-len(v)]));v=v[i]
    if R.random()<.2:path+=ch(["/zz","/0","/-","/-1","/9"])
    return path,v
for _ in range(N):
    fn=ch(["apply","apply","two","three","three","threejson","merge","json"])
    o=obj()
    c={"fn":fn,"kind":"Deployment"}
    if fn=="apply":
        p=mutate(o); prune(p); patchify(p); c|={"live":o,"patch":p}
    elif fn=="two": c|={"original":o,"modified":mutate(o)}
    elif fn in("three","threejson"): 
        c|={"original":ch([o,o,o,{}]),"modified":mutate(o)}; c["current"]=mutate(ch([o,c["modified"]]))
    elif fn=="merge":
        p=mutate(o);prune(p)
        def nulls(x):
            if isinstance(x,dict):
                for k in list(x):
                    nulls(x[k])
                    if R.random()<.1:x[k]=ch([None,None,[{"a":None}],{"b":None},"s"])
            elif isinstance(x,list):
                for y in x:nulls(y)
        nulls(p); c|={"live":o,"patch":p}
    else:
        ops=[]
        for _ in range(R.randint(1,3)):
            path,v=pointer(o); op=ch(["add","remove","replace","test","move","copy"]);q={"op":op,"path":path}
            if op in("add","replace","test"):q["value"]=ch([v,v,None,1,{"x":1}])
            if op in("move","copy"):q["from"]=pointer(o)[0]
            if R.random()<.03:q.pop(ch(list(q)))
            ops.append(q)
        c|={"live":o,"patch":ops}
    print(json.dumps(c))
