# frozen_string_literal: true

set :application, 'api'
set :versioner_version, '1.2.3'
set :deploy_to, '/nowhere'
set :log_level, :error

task(:work) do
  puts 'the work'
  exit 3 if ENV['EXIT']
  raise 'the disk is full' if ENV['FAIL']
end
after 'deploy:updated', :work
