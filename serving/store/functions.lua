-- The decision store inside Redis: one function reads, one compares and sets. `serving/store/redis_server.py` loads it.
--
-- A database is a hash of blobs: eight bytes of version, then the value. Where its keys have an order that is read, a
-- sorted set has them, too. A version is the number of the commit that wrote the blob. Numbers in blobs have eight
-- bytes, the highest first, and are added byte by byte, because a number of this language is exact to 2^53 only.

local NONE = '\0\0\0\0\0\0\0\0'

local function add(number, more)
  local bytes, carry = {string.byte(number, 1, 8)}, more
  for place = 8, 1, -1 do
    carry = carry + bytes[place]
    bytes[place] = carry % 256
    carry = (carry - bytes[place]) / 256
  end
  return string.char(unpack(bytes))
end

local function newest(prefix)
  return redis.call('GET', prefix .. 'commits') or NONE
end

local function records_between(prefix, database, first, last, limit)
  local found = redis.call('ZRANGEBYLEX', prefix .. 'keys:' .. database, first, last, 'LIMIT', 0, limit)
  local pairs_found = {}
  if #found > 0 then
    local values = redis.call('HMGET', prefix .. 'values:' .. database, unpack(found))
    for place, key in ipairs(found) do
      pairs_found[2 * place - 1], pairs_found[2 * place] = key, values[place]
    end
  end
  return pairs_found
end

-- Answer several questions of one moment; the first answer is the number of the newest commit.
local function read(keys, args)
  local prefix, answers, at = keys[1], {newest(keys[1])}, 1
  while at <= #args do
    local question, database, answer = args[at], args[at + 1], nil
    if question == 'get' then
      answer = redis.call('HGET', prefix .. 'values:' .. database, args[at + 2])
      at = at + 3
    elseif question == 'between' then
      answer = records_between(prefix, database, args[at + 2], args[at + 3], args[at + 4])
      at = at + 5
    elseif question == 'count' then
      answer = redis.call('HLEN', prefix .. 'values:' .. database)
      at = at + 2
    else
      answer = redis.call('ZRANGE', prefix .. 'keys:' .. database, -1, -1)[1] or false
      at = at + 2
    end
    answers[#answers + 1] = answer
  end
  return answers
end

-- Return what has changed since the caller has read it.
local function find_changes(prefix, take)
  local changes = {}
  for _ = 1, tonumber(take()) do
    local database, key, version = take(), take(), take()
    local blob = redis.call('HGET', prefix .. 'values:' .. database, key)
    if (blob and string.sub(blob, 1, 8) or NONE) ~= version then
      changes[#changes + 1] = {database, key, blob}
    end
  end
  for _ = 1, tonumber(take()) do
    local database, first, last, expected = take(), take(), take(), tonumber(take())
    local found = redis.call('ZRANGEBYLEX', prefix .. 'keys:' .. database, first, last)
    local same = #found == expected
    for place = 1, expected do
      same = take() == found[place] and same
    end
    if not same then
      changes[#changes + 1] = {database}
    end
  end
  return changes
end

-- Raise the counters, and return the number for every mark.
local function assign_numbers(prefix, version, take)
  local before, numbers = {}, {}
  for counter = 1, tonumber(take()) do
    local name, count = take(), tonumber(take())
    local blob = redis.call('HGET', prefix .. 'values:meta', name)
    before[counter] = blob and string.sub(blob, 9) or NONE
    if count > 0 then
      redis.call('HSET', prefix .. 'values:meta', name, version .. add(before[counter], count))
    end
  end
  for place = 1, tonumber(take()) do
    local counter, offset = tonumber(take()), tonumber(take())
    numbers[place] = add(before[counter], offset)
  end
  return numbers
end

-- Put the numbers where a text has their marks: the same bytes each time, and two with the place of the number.
local function fill(text, mark, numbers)
  local parts, from = {}, 1
  local start, stop = string.find(text, mark, 1, true)
  while start do
    local high, low = string.byte(text, stop + 1, stop + 2)
    parts[#parts + 1] = string.sub(text, from, start - 1)
    parts[#parts + 1] = numbers[high * 256 + low]
    from = stop + 3
    start, stop = string.find(text, mark, from, true)
  end
  parts[#parts + 1] = string.sub(text, from)
  return table.concat(parts)
end

local function write(prefix, version, numbers, take)
  local mark = take()
  for _ = 1, tonumber(take()) do
    local database = take()
    redis.call('DEL', prefix .. 'values:' .. database, prefix .. 'keys:' .. database)
  end
  for _ = 1, tonumber(take()) do
    local action, database, key, value = take(), take(), take(), take()
    local values, ordered = prefix .. 'values:' .. database, prefix .. 'keys:' .. database
    if #numbers > 0 then
      key, value = fill(key, mark, numbers), fill(value, mark, numbers)
    end
    if action == 'delete' then
      redis.call('HDEL', values, key)
      redis.call('ZREM', ordered, key)
    elseif redis.call('HSET', values, key, version .. value) == 1 and action == 'put in order' then
      redis.call('ZADD', ordered, 0, key)
    end
  end
end

-- A client counts its own commits. If the newest one that it knows to be made is not here, this is an older copy of the
-- store: then nobody may change anything until a person has accepted the loss, which begins another age.
local function is_lost(prefix, age, client, known)
  if (redis.call('GET', prefix .. 'age') or '0') ~= age or redis.call('EXISTS', prefix .. 'lost') == 1 then
    return true
  end
  if tonumber(redis.call('GET', prefix .. 'client:' .. client) or '0') < tonumber(known) then
    redis.call('SET', prefix .. 'lost', client)
    return true
  end
  return false
end

-- Make the changes if everything is as the caller has read it.
local function commit(keys, args)
  local prefix, at = keys[1], 0
  local function take()
    at = at + 1
    return args[at]
  end
  local age, client, known, sequence, keep = take(), take(), take(), take(), take()
  if is_lost(prefix, age, client, known) then
    return {'lost'}
  end
  local changes = find_changes(prefix, take)
  if #changes > 0 then
    return {'changed', changes}
  end
  local version = add(newest(prefix), 1)
  local numbers = assign_numbers(prefix, version, take)
  write(prefix, version, numbers, take)
  redis.call('SET', prefix .. 'commits', version)
  redis.call('SET', prefix .. 'client:' .. client, sequence, 'EX', keep)
  return {'done', version, numbers}
end

redis.register_function{function_name = 'LIBRARY_read', callback = read, flags = {'no-writes'}}
redis.register_function('LIBRARY_commit', commit)
redis.register_function{function_name = 'LIBRARY_commit_when_full', callback = commit, flags = {'allow-oom'}}
