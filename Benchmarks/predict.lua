-- What wrk sends: the tutorial's request, or the file that BODY names.
wrk.method = "POST"
wrk.path = "/predict"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"feeds":{"w1:0":13.0,"w2:0":17.0},"fetches":["op_to_restore:0"]}'
local file = os.getenv("BODY")
if file then wrk.body = assert(io.open(file, "rb")):read("*a") end

-- An answer that is not 200 would make the figure worthless.
function done(summary)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    local seconds = summary.duration / 1000000
    io.write(string.format("RATE %.0f FAILED %d\n", summary.requests / seconds, failed))
end
