-- Takes from every bucket or from none, by the server's clock.
-- KEYS: buckets of one hash slot. ARGV: for each what it holds, which is what
-- refills in a minute, and what is taken; then 1 to take what is not there, too.
-- Returns the bucket to be waited for longest (0: none), for how many
-- milliseconds, and what is left in the first.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local force = ARGV[2 * #KEYS + 1] == '1'
local left, denied, wait = {}, 0, 0
for i = 1, #KEYS do
  local full, cost = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local bucket = redis.call('HMGET', KEYS[i], 'n', 't')
  local n, at = tonumber(bucket[1]) or full, tonumber(bucket[2]) or now
  left[i] = math.min(full, n + math.max(0, now - at) * full / 60000)
  local need = math.max(cost, 1)
  if left[i] < need and not force then
    local w = math.ceil((need - left[i]) * 60000 / full)
    if w > wait then
      denied, wait = i, w
    end
  end
end
if denied == 0 then
  for i = 1, #KEYS do
    local full = tonumber(ARGV[2 * i - 1])
    left[i] = left[i] - tonumber(ARGV[2 * i])
    redis.call('HSET', KEYS[i], 'n', string.format('%.4f', left[i]), 't', now)
    redis.call('PEXPIRE', KEYS[i], math.ceil((full - left[i]) * 60000 / full) + 1000)
  end
end
return {denied, wait, string.format('%.4f', left[1])}
