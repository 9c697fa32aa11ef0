FROM known
WORKDIR /srv/app
WORKDIR deeper
