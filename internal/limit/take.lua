-- Takes from every bucket and enters every place, or none of them, by the
-- server's clock.
-- KEYS: buckets, then places, all of one hash slot. ARGV: how many buckets; 1 to
-- take what is not there, too; the replica; its lease in milliseconds; for each
-- bucket what it holds, which is what refills in a minute, and what is taken; for
-- each place the limit (0: none), what the replica has under way, the entering
-- one included, and the number of that statement.
-- A place is a hash of replicas: what each has under way, the number of the
-- statement, and until when that is believed.
-- Returns the key that denies (0: none), for how many milliseconds to wait, and
-- what is left in each bucket.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local buckets, force, replica, lease = tonumber(ARGV[1]), ARGV[2] == '1', ARGV[3], tonumber(ARGV[4])
local left, denied, wait = {}, 0, 0
for i = 1, buckets do
  local full, cost = tonumber(ARGV[3 + 2 * i]), tonumber(ARGV[4 + 2 * i])
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
local places, known = 4 + 2 * buckets, {}
for i = buckets + 1, #KEYS do
  local at = places + 3 * (i - buckets - 1)
  local limit, inside = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local all = redis.call('HGETALL', KEYS[i])
  for j = 1, #all, 2 do
    local count, number, till = string.match(all[j + 1], '^(%d+) (%d+) (%d+)$')
    if all[j] == replica then
      known[i] = tonumber(number)
    elseif tonumber(till) < now then
      redis.call('HDEL', KEYS[i], all[j])
    else
      inside = inside + tonumber(count)
    end
  end
  if limit > 0 and inside > limit and denied == 0 then
    denied = i
  end
end
if denied == 0 then
  for i = 1, buckets do
    local full = tonumber(ARGV[3 + 2 * i])
    left[i] = left[i] - tonumber(ARGV[4 + 2 * i])
    redis.call('HSET', KEYS[i], 'n', string.format('%.4f', left[i]), 't', now)
    redis.call('PEXPIRE', KEYS[i], math.ceil((full - left[i]) * 60000 / full) + 1000)
  end
end
for i = buckets + 1, #KEYS do
  local at = places + 3 * (i - buckets - 1)
  local count, number = tonumber(ARGV[at + 2]), ARGV[at + 3]
  if denied > 0 then
    count = count - 1
  end
  if not known[i] or tonumber(number) > known[i] then
    redis.call('HSET', KEYS[i], replica, string.format('%d %s %d', count, number, now + lease))
    redis.call('PEXPIRE', KEYS[i], lease)
  end
end
local reply = {denied, wait}
for i = 1, buckets do
  reply[2 + i] = string.format('%.4f', left[i])
end
return reply
