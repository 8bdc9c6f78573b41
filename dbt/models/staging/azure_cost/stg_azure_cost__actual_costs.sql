{{ azure_cost_rows(source('azure_cost', 'actual'), 'actual') }}
