-- How the agents of a buffer stand, in words; and pausing them all.
local agent = require('strop.agent')
local clients = require('strop.clients')
local session = require('strop.session')

local M = {}

local function word_of(status)
  if status.mode == 'off' then return 'off' end
  if status.paused then return 'paused' end
  if status.capturing == 'full' then return 'capturing' end
  if status.capturing == 'counts' then return 'counts only' end
  return 'not captured'
end

-- [{client, status}] of the buffer's agents that have said how they stand.
function M.of(bufnr)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  local all = {}
  for _, client in ipairs(clients.agents(bufnr)) do
    local status = session.status(client, bufnr)
    if status then all[#all + 1] = { client = client.name, status = status } end
  end
  return all
end

-- For a status line; empty where no agent is.
function M.line()
  local all = M.of()
  if not all[1] then return '' end
  -- All agents of a user go by the same configuration; one that is off sees nothing.
  local chosen = all[1].status
  for _, one in ipairs(all) do
    if one.status.mode ~= 'off' then
      chosen = one.status
      break
    end
  end
  return 'strop: ' .. word_of(chosen)
end

local function sentence(client, status)
  local text = ('%s: %s, by rule %s'):format(client.name, word_of(status), status.rule or '?')
  local provider = type(status.provider) == 'table' and status.provider
  if provider then
    local model = provider.model and (', model ' .. provider.model) or ''
    local arm = provider.arm and (', arm ' .. provider.arm) or ''
    text = text .. ('; completions of %s (%s%s%s)'):format(provider.name, provider.url, model, arm)
  end
  return text
end

-- Asks them all anew, then tells: done(lines).
function M.ask(bufnr, done)
  local agents = clients.agents(bufnr)
  local lines, open = {}, #agents
  if open == 0 then return done({ 'no agent serves this buffer' }) end
  for i, client in ipairs(agents) do
    session.ask_status(client, bufnr, function(status, fault)
      lines[i] = status and sentence(client, status) or (client.name .. ': ' .. tostring(fault))
      open = open - 1
      if open == 0 then done(lines) end
    end)
  end
end

function M.tell()
  M.ask(vim.api.nvim_get_current_buf(), function(lines) agent.say(table.concat(lines, '\n')) end)
end

-- A pause holds for all agents of this user, so one is asked; where there is none, the program.
-- method: pause or resume.
function M.pause(method)
  local bufnr = vim.api.nvim_get_current_buf()
  for _, client in ipairs(clients.list()) do
    local known = clients.is_agent(client) and session.status(client, bufnr)
    if known and known.protocol then
      return session.ask_pause(client, bufnr, method, function(status, fault)
        if not status then return agent.say(tostring(fault), vim.log.levels.ERROR) end
        M.tell()
      end)
    end
  end
  agent.own({ method }, function(code, out, err)
    agent.say(table.concat(code == 0 and out or err, '\n'), code == 0 and vim.log.levels.INFO or vim.log.levels.ERROR)
  end)
end

return M
