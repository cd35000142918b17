-- Strop for Neovim: puts strop-agent before language servers, shows completions of the team's own
-- model, and tells the agent what only an editor knows. What is captured and kept is the agent's and
-- its configuration's to decide. See :help strop.
local agent = require('strop.agent')
local settings = require('strop.settings')

local M = {}

function M.setup(given)
  settings.take(given)
  agent.forget_complaints()
  require('strop.provider').reset()
  require('strop.completion').start()
end

-- The command of `server`, such as { 'clangd' }, behind an agent. Where there is no agent it is the
-- server's own, and a message says what to do. A function, which connects by other means, stays.
function M.cmd(server, options)
  if type(server) ~= 'table' then return server end
  local command, why = agent.command(server, options and options.config)
  if command then return command end
  agent.complain_once(why .. '. ' .. tostring(server[1]) .. ' runs without it.')
  return server
end

-- A client's configuration whose server is to run behind an agent; also says what an agent that would
-- not start has to say.
function M.wrap(config, options)
  local wrapped = vim.tbl_extend('force', {}, config)
  wrapped.cmd = M.cmd(config.cmd, options)
  wrapped.capabilities = require('strop.provider').capabilities(config.capabilities)
  wrapped.on_exit = function(code, ...)
    if code == 2 then
      vim.schedule(function() agent.explain_exit(wrapped.cmd) end)
    end
    if config.on_exit then config.on_exit(code, ...) end
  end
  return wrapped
end

M.capabilities = function(base) return require('strop.provider').capabilities(base) end

-- What keys do. True: something was on the screen, and it is done.
for _, name in ipairs({ 'visible', 'accept', 'accept_word', 'dismiss', 'next', 'prev' }) do
  M[name] = function() return require('strop.completion')[name]() end
end

function M.rate(dimensions, reason) return require('strop.rating').send(dimensions, reason) end
function M.status(bufnr) return require('strop.status').of(bufnr) end
function M.statusline() return require('strop.status').line() end

return M
