-- What the developer thinks of the suggestion accepted last: five dimensions and a reason.
local agent = require('strop.agent')
local clients = require('strop.clients')
local session = require('strop.session')

local M = {}

M.dimensions = { 'correctness', 'efficiency', 'readability', 'best_practices', 'security' }

local function subject()
  local last = require('strop.completion').last_accepted()
  if last then return clients.by_id(last.client_id), last.item end
  return clients.agents(vim.api.nvim_get_current_buf())[1], nil
end

-- `dimensions`: name → -1, 0 or 1. True: it was sent.
function M.send(dimensions, reason)
  local client, item = subject()
  if not client then
    agent.say('nothing to rate: no agent serves this buffer', vim.log.levels.WARN)
    return false
  end
  if not next(dimensions) and (reason or '') == '' then
    agent.say('nothing was rated', vim.log.levels.WARN)
    return false
  end
  if session.rate(client, item, dimensions, reason) then return true end
  agent.say('the agent captures nothing here (:StropStatus)', vim.log.levels.WARN)
  return false
end

-- { 'correctness=1', 'security=-1', 'reason=too clever' } → dimensions, reason; nil and what is wrong.
-- What follows reason= is the reason, to the end.
function M.parse(words)
  local dimensions, reason = {}, nil
  for i, word in ipairs(words) do
    local name, value = word:match('^([%a_]+)=(.*)$')
    if name == 'reason' then
      reason = table.concat(vim.list_extend({ value }, vim.list_slice(words, i + 1)), ' ')
      break
    end
    local number = tonumber(value)
    if not vim.tbl_contains(M.dimensions, name) or (number ~= -1 and number ~= 0 and number ~= 1) then
      return nil, ("'%s' is no rating; it is NAME=-1, 0 or 1, with NAME of %s, then reason=TEXT"):format(
        word,
        table.concat(M.dimensions, ', ')
      )
    end
    dimensions[name] = number
  end
  return dimensions, reason
end

local choices = { { '+1  good', 1 }, { ' 0  neither', 0 }, { '-1  bad', -1 }, { 'no opinion', nil } }

-- Asks for each dimension, then for the reason; to leave a menu leaves it all.
function M.ask()
  local dimensions = {}
  local function from(i)
    if i > #M.dimensions then
      return vim.ui.input({ prompt = 'Why? (may be empty) ' }, function(reason)
        if reason ~= nil then M.send(dimensions, reason) end
      end)
    end
    vim.ui.select(choices, {
      prompt = M.dimensions[i]:gsub('_', ' '),
      format_item = function(choice) return choice[1] end,
    }, function(choice)
      if not choice then return end
      dimensions[M.dimensions[i]] = choice[2]
      from(i + 1)
    end)
  end
  from(1)
end

return M
