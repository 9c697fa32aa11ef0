from known
cmd ["my-program"]
