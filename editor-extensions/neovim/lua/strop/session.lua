-- What this editor and each agent say to each other in messages strop/…, as PROTOCOL.md has it.
--
-- A session is one client. Until its status is known nothing else is sent; where it is off, nothing
-- ever is.
local clients = require('strop.clients')

local M = {}

local PATIENCE_MS = 2000
local OFF = { mode = 'off', capturing = 'nothing', rule = 'off', paused = false }
local sessions = {} -- by client id: { off = bool, by_uri = { uri → Status }, last = Status }

local function uri_of(bufnr)
  return vim.uri_from_bufnr(bufnr)
end

local function changed()
  pcall(vim.cmd, 'redrawstatus!')
  vim.cmd('doautocmd <nomodeline> User StropStatus')
end

local function take(client, uri, status)
  local session = sessions[client.id]
  if not session then return end -- it has ended meanwhile
  if status.mode == 'off' and status.protocol == nil then session.off = true end
  session.last = status
  session.by_uri[uri] = status
  changed()
end

-- A request strop/…; done(status, error text). An answer that does not come counts as `off`.
local function ask(client, bufnr, method, params, done)
  local uri = uri_of(bufnr)
  sessions[client.id] = sessions[client.id] or { off = false, by_uri = {} }
  if sessions[client.id].off then return done(OFF) end
  local answered = false
  local function answer(status, fault)
    if answered then return end
    answered = true
    if status then take(client, uri, status) end
    done(status, fault)
  end
  local sent = clients.request(client, method, params, function(err, result)
    if err and err.code == -32601 then
      answer(OFF)
    elseif err then
      answer(nil, err.message)
    else
      answer(type(result) == 'table' and result or OFF)
    end
  end, bufnr)
  if not sent then return answer(nil, 'the agent has ended') end
  vim.defer_fn(function() answer(OFF) end, PATIENCE_MS)
end

function M.ask_status(client, bufnr, done)
  ask(client, bufnr, 'strop/status', { uri = uri_of(bufnr) }, done or function() end)
end

-- method: pause or resume.
function M.ask_pause(client, bufnr, method, done)
  ask(client, bufnr, 'strop/' .. method, vim.empty_dict(), done)
end

function M.status(client, bufnr)
  local session = sessions[client.id]
  return session and (session.by_uri[uri_of(bufnr)] or session.last) or nil
end

function M.last_status(client)
  return sessions[client.id] and sessions[client.id].last
end

-- True: it was asked how it stands, or has said so.
function M.known(client)
  return sessions[client.id] ~= nil
end

function M.forget(client_id)
  sessions[client_id] = nil
end

-- True: it was sent.
local function tell(client, method, params)
  local session = client and sessions[client.id]
  if not session or session.off or not session.last then return false end
  clients.notify(client, method, params)
  return true
end

function M.did_show(client, item)
  return tell(client, 'strop/didShow', { item = item })
end

-- `length`: UTF-16 units from the start of insertText.
function M.did_partially_accept(client, item, length)
  return tell(client, 'strop/didPartiallyAccept', { item = item, acceptedLength = length })
end

function M.did_reject(client, item)
  return tell(client, 'strop/didReject', { item = item })
end

-- `item` nil: the agent takes the suggestion accepted last.
function M.rate(client, item, dimensions, reason)
  return tell(client, 'strop/rate', {
    item = item,
    dimensions = next(dimensions) and dimensions or nil,
    reason = reason ~= '' and reason or nil,
  })
end

return M
