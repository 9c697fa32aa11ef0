from known
run a
copy b /c
