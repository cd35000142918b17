-- Language clients, from Neovim 0.7 to 0.12: which of them are agents, and how to talk to them.
local M = {}

-- Methods of a client take the client as their first argument since 0.11.
local methods = vim.fn.has('nvim-0.11') == 1

local function call(client, name, ...)
  if methods then return client[name](client, ...) end
  return client[name](...)
end

-- true and the request's id, or false.
function M.request(client, method, params, handler, bufnr)
  return call(client, 'request', method, params, handler, bufnr)
end

function M.notify(client, method, params)
  return call(client, 'notify', method, params)
end

function M.cancel(client, request_id)
  call(client, 'cancel_request', request_id)
end

function M.by_id(id)
  return id and vim.lsp.get_client_by_id(id) or nil
end

-- Clients of a buffer, or all; by id.
function M.list(bufnr)
  local found
  if vim.lsp.get_clients then
    found = vim.lsp.get_clients({ bufnr = bufnr })
  elseif bufnr then
    found = vim.tbl_values(vim.lsp.buf_get_clients(bufnr))
  else
    found = vim.tbl_values(vim.lsp.get_active_clients())
  end
  table.sort(found, function(a, b) return a.id < b.id end)
  return found
end

local function announces_accept(client)
  local provider = (client.server_capabilities or {}).executeCommandProvider
  local commands = type(provider) == 'table' and provider.commands
  for _, command in ipairs(type(commands) == 'table' and commands or {}) do
    if type(command) == 'string' and command:find('^strop%.accept%.') then return true end
  end
  return false
end

local function started_as_agent(client)
  local command = client.config and client.config.cmd
  if type(command) ~= 'table' then return false end
  for _, word in ipairs(command) do
    if word == '--' then return false end
    if vim.fn.fnamemodify(word, ':t') == 'strop-agent' then return true end
  end
  return false
end

function M.is_agent(client)
  return started_as_agent(client) or announces_accept(client)
end

function M.agents(bufnr)
  return vim.tbl_filter(M.is_agent, M.list(bufnr))
end

function M.completes_inline(client)
  local provider = (client.server_capabilities or {}).inlineCompletionProvider
  return provider == true or type(provider) == 'table'
end

return M
