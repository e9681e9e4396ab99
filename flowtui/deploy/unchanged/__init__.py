"""“Nothing to do”, known again before anything is loaded.

When a deploy of deployments left nothing to do, what that answer rests on is kept: every file of
the project, its interpreter and packages, the settings, the environment, and what is registered. As
long as all of that is just the same, so is the answer: no flow is loaded, and the control plane is
asked once. Whatever differs, or cannot be seen this way, makes the deploy look properly.

What is imported to find out has to be little: this is what an unchanged deploy costs.
"""
